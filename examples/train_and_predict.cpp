// Trains a small classifier on Fashion-MNIST with the library, and labels some test pictures.
//
//   train_and_predict [LIMIT [EPOCHS]]     LIMIT training pictures (all), EPOCHS epochs (3)

#include <cstdlib>
#include <exception>
#include <iostream>

// [shown]
#include "lapel/lapel.h"

void train_and_predict(std::int64_t limit, std::int64_t epochs) {
  const lapel::DataSet data = lapel::load_data("fashion-mnist");

  lapel::Recipe recipe;
  recipe.name = "small";
  recipe.data.limit = limit;
  recipe.layers = {
      {.type = "Flatten"},
      {.type = "Dense", .options = {{"units", 64}, {"activation", "relu"}}},
      {.type = "Dense", .options = {{"units", 10}, {"activation", "softmax"}}},
  };
  recipe.train.epochs = epochs;
  recipe.train.optimizer = {.type = "Adam", .options = {{"learning_rate", 0.002}}};

  const lapel::TrainResult result = lapel::train(recipe, data);
  std::cout << lapel::to_text(result.test->report, data.class_names);

  // The classifier can be saved, loaded elsewhere, and given pictures of any origin.
  result.classifier.save("small.safetensors");
  const lapel::Classifier classifier = lapel::Classifier::load("small.safetensors");
  const auto probabilities = classifier.predict(data.test.pictures);
  const auto best = classifier.ranked(std::span(probabilities).first(data.class_names.size()), 1).front();
  std::cout << "test[0] is: " << best.name << ", probability " << best.probability << "\n";
}
// [shown end]

int main(int argc, char** argv) {
  try {
    train_and_predict(argc > 1 ? std::atoll(argv[1]) : 0, argc > 2 ? std::atoll(argv[2]) : 3);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
