"""The whole process of a prediction in Python: started, libraries imported, model and pictures read, answer printed.

    python answer_peer.py prepare RECIPE MODEL.safetensors FOLDER N  writes the model in the form each peer reads, and
                                                                     test picture N as picture.png and picture.npy
    python answer_peer.py keras|torch|onnxruntime RECIPE FOLDER      names the class of that picture
    python answer_peer.py load                                       seconds to load and scale all pictures

Each imports only what it needs, and reads its own form: .keras, a state_dict, .onnx.
"""

import pathlib
import struct
import sys
import time
import zlib

import numpy as np

import worker


def write_png(picture, file):
    """A picture [height, width] of 8-bit greys."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = picture.shape
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def prepare(recipe, model, folder, index):
    """Writes the weights of a model of Lapel as model.keras, model.pt and model.onnx, and a test picture."""
    import onnx
    import torch
    from safetensors.numpy import load_file

    import keras_peer
    import onnx_peer
    import torch_peer
    weights = load_file(model)
    folder.mkdir(parents=True, exist_ok=True)
    picture = worker.read_idx(worker.DATA / "t10k-images-idx3-ubyte.gz")[index]
    write_png(picture, folder / "picture.png")
    np.save(folder / "picture.npy", picture)
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
        prepare(recipe, pathlib.Path(rest[0]), pathlib.Path(rest[1]), int(rest[2]))
        return
    folder = pathlib.Path(rest[0])
    picture = np.load(folder / "picture.npy")[None, :, :, None]
    predict = {"keras": with_keras, "torch": with_torch, "onnxruntime": with_onnxruntime}[what]
    probabilities = predict(recipe, folder, picture * np.float32(1 / 255))[0]
    print(int(probabilities.argmax()), float(probabilities.max()))


if __name__ == "__main__":
    main()
