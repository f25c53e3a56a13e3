#!/usr/bin/env python3
"""Writes the cases that are made by rule into cases/READER: small good files, and files that ask for more than they hold.

usage: make_cases.py

Cases whose names begin with "good" must be taken, those with "bad" refused; of the others only an answer is wanted. What
libFuzzer finds is put beside them as found-*.
"""

import gzip
import io
import json
import pathlib
import shutil
import struct
import tarfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = HERE.parent / "data" / "pictures"
DEEP = 3000


def put(reader, name, content):
    folder = HERE / "cases" / reader
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def layer(kind, name, inputs=None, **options):
    return {"type": kind, "name": name, **({"inputs": inputs} if inputs else {}), "options": options}


def model(layers, shape=(2, 2, 1)):
    return {"name": "tiny", "input_shape": list(shape), "layers": layers}


def dense(units=2, name="dense"):
    return layer("Dense", name, units=units, activation="softmax")


SMALL = model([layer("Flatten", "flatten"), dense()])


def model_file(description, tensors, **metadata):
    header = {"__metadata__": {
        "lapel.format": "1", "lapel.version": "0.1.0", "lapel.model": json.dumps(description),
        "lapel.classes": '["a","b"]',
        "lapel.preprocessing": '{"height":2,"width":2,"channels":1,"scale":0.00392}'} | metadata}
    at = 0
    for name, shape in tensors.items():
        count = 1
        for size in shape:
            count *= size
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        at += 4 * count
    return safetensors(header, bytes(at))


WEIGHTS = {"dense/kernel": [4, 2], "dense/bias": [2]}


def json_attacks(reader, good):
    """What goes wrong in every JSON text; `good` is a document of the reader."""
    put(reader, "good", json.dumps(good))
    put(reader, "bad-deep-list", "[" * DEEP + "]" * DEEP)
    put(reader, "bad-deep-object", '{"a":' * DEEP + "1" + "}" * DEEP)
    put(reader, "bad-open-lists", "[" * 9000)
    put(reader, "bad-1e999", "[1e999]")
    put(reader, "bad-not-utf8", b'{"name": "\xff\xfe"}')
    put(reader, "bad-twice", '{"name": 1, "name": 2}')
    put(reader, "bad-null", "null")
    for key, value in good.items():
        for name, other in {"negative": -1, "huge": 2**64 - 1, "number": 1e300, "text": "\x1b[2J" + "x" * 999}.items():
            if type(value) is not type(other) or value != other:
                put(reader, f"{key}-{name}", json.dumps(good | {key: other}))


def safetensors_cases():
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    put("safetensors", "good", safetensors({"a": entry}, bytes(8)))
    deep = b"[" * DEEP + b"]" * DEEP
    put("safetensors", "bad-deep-shape", safetensors(b'{"a":{"dtype":"F32","shape":' + deep + b',"data_offsets":[0,0]}}'))
    put("safetensors", "bad-deep-metadata", safetensors(b'{"__metadata__":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}"))
    put("safetensors", "bad-1e999", safetensors(b"[1e999]"))
    put("safetensors", "bad-1e999-shape", safetensors(b'{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,0]}}'))
    put("safetensors", "bad-overflow", safetensors({"a": entry | {"shape": [2**62, 4], "data_offsets": [0, 0]}}))
    put("safetensors", "bad-count", safetensors({"a": entry}, bytes(4)))
    put("safetensors", "bad-overlap", safetensors({"a": entry, "b": entry}, bytes(8)))
    put("safetensors", "bad-long-header", struct.pack("<Q", 2**63) + b"{}")


def model_cases():
    put("model", "good", model_file(SMALL, WEIGHTS))
    put("model", "bad-classes", model_file(SMALL, WEIGHTS, **{"lapel.classes": '["a"]'}))
    put("model", "bad-deep-classes", model_file(SMALL, WEIGHTS, **{"lapel.classes": "[" * DEEP + "]" * DEEP}))
    put("model", "bad-1e999-scale", model_file(SMALL, WEIGHTS, **{"lapel.preprocessing":
        '{"height":2,"width":2,"channels":1,"scale":1e999}'}))
    put("model", "bad-height", model_file(SMALL, WEIGHTS, **{"lapel.preprocessing":
        '{"height":1e300,"width":2,"channels":1,"scale":1}'}))
    put("model", "bad-checksum", model_file(SMALL, WEIGHTS, **{"lapel.checksum": "00000000"}))
    adds = [layer("Activation", "a0", activation="relu")]
    adds += [layer("Add", f"a{i}", [f"a{i - 1}"] * 2) for i in range(1, 60)]
    tail = [layer("RandomFlip", "flip", mode="horizontal"), layer("Flatten", "flatten"), dense()]
    put("model", "good-sixty-adds", model_file(model(adds + tail), WEIGHTS))
    put("model_json", "good-sixty-adds", json.dumps(model(adds + tail)))
    wide = [layer("Conv2D", "c", filters=32, kernel_size=[1, 1]), layer("GlobalAveragePooling2D", "g"), dense()]
    put("model_json", "bad-large", json.dumps(model(wide, (5700, 5700, 3))))
    put("model_json", "bad-filters", json.dumps(model([layer("Conv2D", "c", filters=2**62, kernel_size=[1, 1])] + wide[1:])))
    put("model_json", "bad-units", json.dumps(model([layer("Flatten", "f"), dense(2**62)])))
    put("model_json", "bad-shape", json.dumps(SMALL | {"input_shape": [2**63, 2, 1]}))
    many = [layer("Flatten", "flatten")] + [layer("Dropout", f"d{i}", rate=0.5) for i in range(500)] + [dense()]
    put("model_json", "good-many-layers", json.dumps(model(many)))
    json_attacks("model_json", SMALL)


def checkpoint_cases():
    state = {"data_checksum": 1, "finished": [], "steps": 10, "epoch": 2, "epoch_steps": 3, "loss_sum": 1.5, "correct": 4,
             "epoch_seconds": 0.5, "seconds": 2.0, "elapsed": 3.0, "learning_rate": 0.001, "stopped_by": "",
             "callbacks": [{"wait": 1}], "history": [[1, 0.5, 0.7, None, None, 0.001, 1.5]]}
    json_attacks("checkpoint_state", state)
    for name, row in {"short": [1], "epoch": [-1, 0, 0, None, None, 0, 0], "text": ["a"] * 7}.items():
        put("checkpoint_state", f"bad-history-{name}", json.dumps(state | {"history": [row]}))
    put("checkpoint_state", "bad-finished", json.dumps(state | {"finished": [[-1, -1, -1]]}))
    put("checkpoint_state", "bad-callback", json.dumps(state | {"callbacks": [{"wait": "1e999"}]}))
    put("checkpoint", "bad-other", model_file(SMALL, WEIGHTS))
    put("checkpoint", "bad-checksum", safetensors({"__metadata__": {
        "lapel.checkpoint": "3", "lapel.recipe": "", "lapel.state": "{}", "lapel.checksum": "00000000"}}))


def run_cases():
    picture = {"index": 0, "label": 0, "pixels": [1, 2, 3, 4], "probabilities": []}
    plots = {"name": "n", "data_name": "d", "class_names": ["a", "b"], "height": 2, "width": 2, "channels": 1,
             "train_counts": [1, 1], "test_counts": [0, 0], "confusion": [1, 0, 0, 1], "train_samples": [picture],
             "test_samples": [], "predictions": [picture | {"probabilities": [0.5, 0.5]}], "mistakes": []}
    json_attacks("plot_data", plots)
    put("plot_data", "bad-label", json.dumps(plots | {"train_samples": [picture | {"label": 2}]}))
    put("plot_data", "bad-pixels", json.dumps(plots | {"train_samples": [picture | {"pixels": [1, 2, 3]}]}))
    put("plot_data", "bad-probabilities", json.dumps(plots | {"predictions": [picture | {"probabilities": [1.0]}]}))
    put("plot_data", "bad-counts", json.dumps(plots | {"train_counts": [1]}))
    put("plot_data", "bad-size", json.dumps(plots | {"height": 2**32, "width": 2**32, "train_samples": [], "predictions": []}))
    put("plot_data", "bad-float", json.dumps(plots | {"predictions": [picture | {"probabilities": [1e300, 0]}]}))
    score = {"accuracy": 0.5, "loss": 1.0, "samples": 10}
    json_attacks("metrics", {
        "name": "n", "status": "complete", "train": score, "val": score, "test": score, "epochs": 1, "steps": 2,
        "parameters": 3, "seconds": 1.5, "seed": 1, "threads": 2, "precision": "float32"})


def toml_cases():
    plain = 'name = "n"\n[[layers]]\ntype = "Flatten"\n[[layers]]\ntype = "Dense"\nunits = 10\n'
    put("recipe", "good", plain)
    put("recipe", "bad-dotted", "a" + ".a" * DEEP + " = 1\n")
    put("recipe", "bad-table", "[a" + ".a" * DEEP + "]\n")
    put("recipe", "bad-lists", "a = " + "[" * DEEP + "]" * DEEP + "\n")
    put("recipe", "bad-tables", "a = " + "{a=" * DEEP + "1" + "}" * DEEP + "\n")
    put("recipe", "bad-text-then-dots", 'a = ["""x"""", {a' + ".a" * DEEP + " = 1}]\n")
    put("recipe", "bad-comment-then-dots", "# '\na" + ".a" * DEEP + " = 1\n")
    put("recipe", "bad-many-tables", "".join(f"[{'.'.join(['a'] * i)}]\n" for i in range(1, 60)))
    put("recipe", "bad-header", "[[a]\n[a.b]]\n[")
    for number, name in enumerate(("*b", " *b", "[*b]", "\u00f6", "=", "#", ",", "\n")):
        put("recipe", f"bad-name-{number}", plain + f"[{name}]\n")
    put("recipe", "bad-1e999", plain + "[train]\nbatch_size = 1e999\n")
    put("recipe", "bad-inf", plain + "[train]\noptimizer = { type = \"Adam\", learning_rate = inf }\n")
    put("recipe", "bad-integer", plain + "[train]\nepochs = 99999999999999999999\n")
    put("recipe", "bad-repeat", plain.replace('"Flatten"', '"Flatten"\nrepeat = 9223372036854775807'))
    put("recipe", "bad-escape", 'name = "\\u001b[2J' + "x" * 5000 + '"\n')
    put("recipe", "blocks", '[blocks.b]\nlayers = [{ type = "Dense", units = "{u}" }]\n' + plain
        + '[[layers]]\ntype = "b"\nu = 3\nrepeat = 9\n')
    put("set_option", "good", "train.epochs=3")
    put("set_option", "bad-deep", "train.epochs=" + "[" * DEEP)
    put("set_option", "bad-key", "a" + ".a" * DEEP + "=1")
    put("set_option", "bad-inf", "train.epochs=inf")


def csv_cases():
    row = ",".join(["1"] * 4)
    put("csv", "good", f"label,pixel1,pixel2,pixel3,pixel4\n0,{row}\n1,{row}\n")
    put("csv", "good-words", f"label,pixel1,pixel2,pixel3,pixel4\ncat,{row}\n\"do,g\",{row}\n")
    put("csv", "bad-labels-only", "label\n1\n0\n")
    put("csv", "bad-labels-and-id", "id,label\n1,0\n2,1\n")
    put("csv", "bad-overflow", "label,pixel_2147483646_2147483646_2147483646\n1,2\n")
    short = "label," + ",".join(f"pixel{i}" for i in range(1, 10001)) + "\n" + "1\n" * 20000
    put("csv", "bad-short-rows", gzip.compress(short.encode(), 9, mtime=0))
    put("csv", "bad-quotes", 'label,pixel1\n"' + '""' * 20000 + '",1\n1')
    put("csv", "bad-many-columns", gzip.compress(b"," * (1 << 20) + b"\n1", 9, mtime=0))
    put("csv", "bad-nul", "label,pixel1\0\n1,2\n")


def bytes_cases():
    for name, head, content in (
        ("good", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }", bytes(4)),
        ("good-float", "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        ("good-of-none", "{'descr': '<u2', 'fortran_order': False, 'shape': (0, 3), }", b""),
        ("bad-short", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", bytes(4)),
        ("bad-huge", "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", bytes(4)),
        ("bad-negative", "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -4), }", bytes(4)),
        ("bad-fortran", "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }", bytes(4)),
        ("bad-no-shape", "{'descr': '|u1', 'fortran_order': False, }", bytes(4)),
        ("fields", "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4)),
    ):
        put("npy", name, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + content)
    put("npy", "bad-long-head", b"\x93NUMPY\x02\x00" + b"\xff" * 4 + b"{")
    put("npy", "bad-cut", b"\x93NUMPY\x01")
    put("idx", "good", struct.pack(">BBBBIII", 0, 0, 8, 3, 1, 2, 2) + bytes(4))
    put("idx", "bad-huge", struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1))
    put("idx", "bad-short", struct.pack(">BBBBIII", 0, 0, 8, 3, 60000, 28, 28))
    put("gzip", "good", gzip.compress(b"text", mtime=0))
    put("gzip", "bad-bomb", gzip.compress(bytes(130 << 20), 9, mtime=0))
    packed = bytearray(gzip.compress(bytes(1 << 16), 9, mtime=0))
    packed[-4:] = b"\xff\xff\xff\xff"
    put("gzip", "bad-trailer", bytes(packed))
    put("exif", "good", b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0")
    put("exif", "good-far", b"MM\0*\xff\xff\xff\xff")
    put("exif", "good-many", b"MM\0*\0\0\0\x08\xff\xff")


def archive_cases():
    picture = (PICTURES / "grey.png").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.png"), picture)
        archive.writestr(zipfile.ZipInfo("notes.txt"), "text")
    put("archive", "good.zip", packed.getvalue())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        head = tarfile.TarInfo("a.png")
        head.size = len(picture)
        archive.addfile(head, io.BytesIO(picture))
    put("archive", "good.tar.gz", gzip.compress(packed.getvalue(), mtime=0))
    put("archive", "bad-cut.tar.gz", gzip.compress(packed.getvalue(), mtime=0)[:60])
    # A format that takes files from anywhere: it is not read.
    put("archive", "bad-mtree", "#mtree\n./a.png type=file contents=/etc/passwd\n")
    head = tarfile.TarInfo("a.png")
    head.size = 1 << 40
    put("archive", "huge-entry.tar.gz", gzip.compress(head.tobuf() + bytes(64 << 20), 9, mtime=0))
    put("archive", "bad-text", "no archive at all, but long enough to be looked at")


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, rows=b"", depth=8, colour=0, more=b""):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)) + more
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def progressive(side, scans):
    """A progressive grey JPEG of `scans` scans without a coefficient: DC first, then AC bands, again and again."""
    out = b"\xff\xd8\xff\xdb\x00\x43\x00" + bytes([1] * 64)
    out += b"\xff\xc2\x00\x0b\x08" + struct.pack(">HH", side, side) + b"\x01\x01\x11\x00"
    # One code of one bit each: of DC a difference of no bits, of AC an end of block.
    out += b"\xff\xc4\x00\x14\x00" + bytes([1] + [0] * 15) + b"\x00"
    out += b"\xff\xc4\x00\x14\x10" + bytes([1] + [0] * 15) + b"\x00"
    blocks = ((side + 7) // 8) ** 2
    data = bytes((blocks + 7) // 8)
    out += b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00" + data
    for number in range(scans - 1):
        band = 1 + number % 63
        out += b"\xff\xda\x00\x08\x01\x01\x00" + bytes([band, band, 0x0D]) + data
    return out + b"\xff\xd9"


def bmp(width, height, bits=1):
    return b"BM" + struct.pack("<IHHI", 62, 0, 0, 62) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 2, 0) \
        + bytes(8)


def gif(width, height, left=0, wide=None, high=None):
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b","
            + struct.pack("<HHHHB", left, 0, wide or width, high or height, 0) + b"\x02\x02\x4c\x01\x00;")


def tiff(entries):
    body = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack("<HHII", tag, kind, count, value)
    return body + struct.pack("<I", 0) + bytes(64)


def picture_cases():
    for reader, names in {"png": ["grey.png", "palette-trns.png", "damaged-profile.png", "orientation-6.png"],
                          "jpeg": ["grey.jpg", "inks.jpg", "orientation-6.jpg", "inks-profile.jpg"],
                          "webp": ["plain-lossy.webp", "orientation-8.webp"], "gif": ["plain.gif"], "bmp": ["plain.bmp"],
                          "tiff": ["plain.tif", "orientation-5.tif"],
                          "picture_head": ["grey.png", "orientation-6.jpg", "plain.gif"]}.items():
        for name in names:
            if (PICTURES / name).stat().st_size < 30000:
                put(reader, f"good-{name}", (PICTURES / name).read_bytes())
    put("png", "bad-huge", png(1_000_000, 1_000_000))
    put("png", "bad-wide", png(10000, 10000))
    put("png", "bad-cut", png(100, 100))
    put("png", "bomb-text", png(2, 2, bytes(6), more=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(16 << 20), 9))))
    put("png", "bomb-profile", png(2, 2, bytes(6), more=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(16 << 20), 9))))
    put("jpeg", "bad-scans", progressive(64, 300))
    put("jpeg", "good-scans", progressive(64, 60))
    put("jpeg", "bad-huge", progressive(64, 3).replace(struct.pack(">HH", 64, 64), struct.pack(">HH", 65500, 65500)))
    put("bmp", "bad-huge", bmp(2**31 - 1, 2**31 - 1))
    put("bmp", "bad-negative", bmp(8, -(2**31)))
    put("bmp", "bad-bits", bmp(8, 8, 65535))
    put("gif", "bad-huge", gif(65535, 65535))
    put("gif", "bad-larger-picture", gif(10, 10, 0, 65535, 65535))
    put("gif", "bad-outside", gif(10, 10, 65000, 10, 10)[:-4] + b";")
    plain = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1),
             (278, 4, 1, 8), (279, 4, 1, 64)]
    put("tiff", "bad-huge", tiff([(256, 4, 1, 2**31), (257, 4, 1, 2**31)] + plain[2:]))
    put("tiff", "bad-samples", tiff(plain[:6] + [(277, 3, 1, 65535)] + plain[7:]))
    put("tiff", "rows", tiff(plain[:7] + [(278, 4, 1, 2**32 - 1), (279, 4, 1, 2**32 - 1)]))
    put("tiff", "bad-strips", tiff(plain[:5] + [(273, 4, 2**31, 8)] + plain[6:]))
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\xff\xff" * 2
    put("webp", "bad-canvas", b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x)
    put("picture_head", "bad-pipe-like", b"\xff\xd8\xff\xe1\x00\x01")


def main():
    for folder in (HERE / "cases").glob("*"):
        for file in folder.iterdir():
            if not file.name.startswith("found-"):
                file.unlink()
    for make in (safetensors_cases, model_cases, checkpoint_cases, run_cases, toml_cases, csv_cases, bytes_cases,
                 archive_cases, picture_cases):
        make()


main()
