#include <lapel/lapel.h>

#include <iostream>

int main() {
  const lapel::DataSet data = lapel::load_data();
  lapel::Recipe recipe;
  recipe.data.limit = 500;
  recipe.layers = {{.type = "Flatten"}, {.type = "Dense", .options = {{"units", 10}, {"activation", "softmax"}}}};
  const lapel::Classifier classifier = lapel::train(recipe, data).classifier;
  const auto labels = lapel::predicted_labels(classifier.predict(data.test.pictures), 10);
  std::cout << classifier.class_names().at(labels.front()) << "\n";
}
