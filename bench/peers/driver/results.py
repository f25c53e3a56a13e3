"""The file of the numbers: written as each part is measured, so that an interrupted comparison loses nothing."""

import json


class Results:
    """What was measured: machine, protocol, versions, and the parts train, use, answers, loading."""

    def __init__(self, path, numbers):
        self.path, self.numbers = path, numbers

    def keep(self, keys, part):
        """Puts a part at its place, ["train", "cnn"], and writes the file."""
        place = self.numbers
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = part
        self.numbers["versions"].update(part.pop("versions", {}))
        for document in part.get("lapel", {}).values():
            self.numbers["versions"].update(document["versions"])
            self.numbers["machine"]["isa"] = document["isa"]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.numbers, indent=1) + "\n")
        temporary.replace(self.path)


def load(path):
    """What was measured before."""
    try:
        return Results(path, json.loads(path.read_text()))
    except FileNotFoundError:
        raise SystemExit(f"error: {path} does not exist: nothing was measured yet") from None


def same_kind(before, machine, protocol):
    """Whether numbers may stand beside new ones: same machine but for the day, same protocol."""
    return before["protocol"] == protocol and all(
        before["machine"].get(key) == value for key, value in machine.items() if key != "date")


def open_for(path, machine, protocol):
    """The results to add to: those in the file, if they are of this machine and protocol, or new ones."""
    if path.exists():
        before = load(path)
        if same_kind(before.numbers, machine, protocol):
            before.numbers["machine"]["date"] = machine["date"]
            return before
    return Results(path, {"machine": dict(machine), "protocol": protocol, "versions": {}})
