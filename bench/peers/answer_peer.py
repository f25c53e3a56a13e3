"""The whole process of a prediction in Python: started, libraries imported, model and pictures read, answer printed.

    python answer_peer.py prepare RECIPE MODEL.safetensors FOLDER    writes the model in the form each peer reads
    python answer_peer.py keras|torch|onnxruntime RECIPE FOLDER N    names the class of test picture N
    python answer_peer.py load                                       seconds to load and scale all pictures

Each imports only what it needs, and reads its own form: .keras, a state_dict, .onnx.
"""

import pathlib
import sys
import time

import numpy as np

import worker


def prepare(recipe, model, folder):
    """Writes the weights of a model of Lapel as model.keras, model.pt and model.onnx."""
    import onnx
    import torch
    from safetensors.numpy import load_file

    import keras_peer
    import onnx_peer
    import torch_peer
    weights = load_file(model)
    folder.mkdir(parents=True, exist_ok=True)
    keras_peer.make_model(recipe, weights).save(folder / "model.keras")
    model = torch_peer.make_model(recipe)
    torch_peer.set_weights(model, recipe, weights)
    torch.save(model.state_dict(), folder / "model.pt")
    onnx.save(onnx_peer.make_model(recipe, weights), folder / "model.onnx")


def with_keras(recipe, folder, picture):
    import keras
    del recipe
    return keras.models.load_model(folder / "model.keras").predict(picture, verbose=0)


def with_torch(recipe, folder, picture):
    import torch

    import torch_peer
    model = torch_peer.make_model(recipe)
    model.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    model.eval()
    with torch.inference_mode():
        return model(torch.from_numpy(torch_peer.arrange(recipe, picture))).softmax(1).numpy()


def with_onnxruntime(recipe, folder, picture):
    import onnxruntime
    del recipe
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape[1:]
    return session.run(None, {"input_layer": picture.reshape(-1, *shape)})[0]


def main():
    if sys.argv[1:] == ["load"]:
        start = time.perf_counter()
        worker.load_pictures("train"), worker.load_pictures("t10k")
        print(time.perf_counter() - start)
        return
    what, recipe, *rest = sys.argv[1:]
    recipe = worker.read_recipe(recipe)
    if what == "prepare":
        prepare(recipe, pathlib.Path(rest[0]), pathlib.Path(rest[1]))
        return
    folder, index = pathlib.Path(rest[0]), int(rest[1])
    picture = worker.read_idx(worker.DATA / "t10k-images-idx3-ubyte.gz")[index:index + 1, :, :, None]
    predict = {"keras": with_keras, "torch": with_torch, "onnxruntime": with_onnxruntime}[what]
    probabilities = predict(recipe, folder, picture * np.float32(1 / 255))[0]
    print(int(probabilities.argmax()), float(probabilities.max()))


if __name__ == "__main__":
    main()
