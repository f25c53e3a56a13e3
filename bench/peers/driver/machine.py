"""What is known of this machine, and the cores that a comparison stays on."""

import datetime
import os
import pathlib
import platform


def cpu_info():
    """(name as Lapel gives it, set of flags) of the first processor."""
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    name = known.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in known and "model" in known:
        name += f", family {known['cpu family']}, model {known['model']}"
    return name, set(known.get("flags", "").split())


def has_bf16(flags):
    """Whether the CPU multiplies bfloat16 itself; without that the bf16 column is void."""
    return bool(flags & {"avx512_bf16", "amx_bf16"})


def choose_cpus(count):
    """`count` processors that this process may use, on different cores as far as there are such."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < count:
        raise SystemExit(f"error: {count} threads on {len(allowed)} processors; try --threads {len(allowed)}")
    first_of_core, others = {}, []
    for cpu in allowed:
        topology = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            core = tuple((topology / name).read_text() for name in ("physical_package_id", "core_id"))
        except OSError:
            core = cpu
        if core in first_of_core:
            others.append(cpu)
        else:
            first_of_core[core] = cpu
    return [*first_of_core.values(), *others][:count]


def describe(threads):
    """The machine as the results keep it."""
    name, flags = cpu_info()
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {"cpu": name, "bf16": has_bf16(flags), "threads": threads, "system": release,
            "python": platform.python_version(), "date": datetime.date.today().isoformat()}
