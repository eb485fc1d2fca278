"""Runs the examples for Ray and Spark on this machine beside one process, and compares every byte:

    python measure.py NUMBER FOLDER [ray] [spark]

FOLDER gets NUMBER small photographs, cut from that of the tests, with masks, and one record that is no picture. One process and
each engine fill them three times in turn, for the time; then the engine does once more, with one of its workers killed on the way. Ray has two nodes, Spark two
executors, of one core each. One process fills by two threads, which share an inpainter. Times do not hold the start of a
cluster, which is named beside them. On a machine that does other work, the CPU time of all processes tells more.
"""

import concurrent.futures
import hashlib
import importlib.util
import os
import pathlib
import random
import signal
import statistics
import sys
import threading
import time

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Workers of Ray would give way to whatever else the machine does.
os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable, RAY_worker_niceness="0")
SIDE = 320
ROUNDS = 3


def make(folder, number):
    """Photographs of 320×320 pixels, each with one or two holes of 24 to 72 pixels a side."""
    photo = np.asarray(Image.open(ROOT / "tests/images/photo.png").convert("RGB"))
    chance = random.Random(number)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(number):
        y, x = chance.randrange(photo.shape[0] - SIDE), chance.randrange(photo.shape[1] - SIDE)
        part = photo[y : y + SIDE, x : x + SIDE]
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for _ in range(chance.randint(1, 2)):
            h, w = chance.randint(24, 72), chance.randint(24, 72)
            y, x = chance.randrange(SIDE - h), chance.randrange(SIDE - w)
            mask[y : y + h, x : x + w] = 255
        Image.fromarray(part[:, :: chance.choice((1, -1))]).save(folder / f"images/{i:06}.png", compress_level=1)
        Image.fromarray(mask).save(folder / f"masks/{i:06}.png")
    (folder / "images/broken.png").write_bytes(b"no picture")
    Image.fromarray(mask).save(folder / "masks/broken.png")


def example(name):
    spec = importlib.util.spec_from_file_location(f"fill_{name}", ROOT / "examples" / name / "fill.py")
    module = importlib.util.module_from_spec(spec)
    # It is no module that workers could import: they get its classes by value, as those of a script.
    spec.loader.exec_module(module)
    return module


def one_process(records, out):
    from inpaint_edge import Inpainter, batch

    inpainter = Inpainter(threads=1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda record: next(batch.fill([record], inpainter, folder=out)), records))


def by_ray(_, records, out):
    import ray

    return list(example("ray").fill(ray.data.from_items(records), out).iter_rows())


def by_spark(spark, records, out):
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 16)
    table = spark.createDataFrame(records, "key string, image string, mask string").repartition(1 + len(records) // 64)
    return [row.asDict() for row in example("spark").fill(table, out).collect()]


def ray_cluster():
    import ray
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False

    def end():
        ray.shutdown()
        cluster.shutdown()

    return cluster, end


def spark_cluster():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.log.level", "ERROR").getOrCreate()
    return spark, spark.stop


# How the command line of a worker begins, or what it holds.
ENGINES = {
    "ray": (ray_cluster, by_ray, "ray::MapWorker"),
    "spark": (spark_cluster, by_spark, "CoarseGrainedExecutorBackend"),
}


def processes():
    """Number, parent and CPU time of each process."""
    tick = os.sysconf("SC_CLK_TCK")
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        yield int(stat.parent.name), int(fields[1]), sum(map(int, fields[11:13])) / tick


def family():
    """This process and those it has started, and what they have, with the CPU time of each."""
    known = {process: (parent, seconds) for process, parent, seconds in processes()}
    found, new = {}, {os.getpid()}
    while new:
        found.update({process: known[process][1] for process in new})
        new = {process for process, (parent, _) in known.items() if parent in found} - set(found)
    return found


def kill_one(name, done, count):
    """Kills a worker once a third of the results is there; returns its number."""
    while len(list(done.glob("*.png"))) < count / 3:
        time.sleep(0.01)
    for process in sorted(family()):
        try:
            line = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if name in line and not line.startswith("/bin/"):
            os.kill(process, signal.SIGKILL)
            return process
    raise RuntimeError(f"expected a process {name}, found none")


def digests(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def timed(work, *arguments):
    """What `work` returns, seconds it took, and seconds of CPU; of a process that ends, those up to its last full second."""
    before, last, done = family(), {}, threading.Event()

    def watch():
        while not done.wait(1):
            last.update(family())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    result = work(*arguments)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    last.update(family())
    return result, seconds, sum(cpu - before.get(process, 0) for process, cpu in last.items())


def check(name, rows, out, number, expected):
    failed = [row for row in rows if row["exit_code"]]
    assert len(rows) == number + 1, f"{name}: expected {number + 1} rows, found {len(rows)}"
    assert [row["key"] for row in failed] == ["broken"] and failed[0]["exit_code"] == 3, f"{name}: {failed}"
    assert digests(out) == expected, f"{name}: expected the results of one process, found others"


def main(number, folder, engines):
    from inpaint_edge import batch

    folder = pathlib.Path(folder).resolve()
    make(folder, number)
    records = batch.pairs(str(folder / "images"), str(folder / "masks"))
    print(f"{number} photographs of {SIDE}×{SIDE}", flush=True)
    for name in engines:
        start_cluster, fill, worker = ENGINES[name]
        (context, end), start, _ = timed(start_cluster)
        try:
            # What is loaded and compiled on the first call is no part of a job's time.
            _, first, _ = timed(fill, context, records[:4], str(folder / f"{name}-first"))
            rounds = []
            for i in range(ROUNDS):
                alone, out = folder / f"{name}-one-process-{i}", folder / f"{name}-{i}"
                rows, *base = timed(one_process, records, str(alone))
                expected = digests(alone)
                assert len(expected) == number
                check("one process", rows, alone, number, expected)
                rows, *cost = timed(fill, context, records, str(out))
                check(name, rows, out, number, expected)
                rounds.append((base, cost))
            for who, costs in zip(("one process", name), zip(*rounds)):
                seconds, cpu = map(statistics.median, zip(*costs))
                print(f"{who}: {number / seconds:.1f} images/s, {cpu / number * 1e3:.1f} ms of CPU an image")
            for i, what in enumerate(("time", "CPU")):
                over = sorted(cost[i] / base[i] - 1 for base, cost in rounds)
                print(f"{name}: over one process {statistics.median(over):.0%} of {what}, {over[0]:.0%} to {over[-1]:.0%}")
            print(f"{name}: the cluster starts in {start:.1f} s, its first job takes {first:.1f} s", flush=True)
            lost = folder / f"{name}-lost"
            lost.mkdir()
            killed = []
            killer = threading.Thread(target=lambda: killed.append(kill_one(worker, lost, number)))
            killer.start()
            rows, seconds, _ = timed(fill, context, records, str(lost))
            killer.join()
            assert killed, "expected a worker killed, found none"
            check(f"{name}, a worker killed", rows, lost, number, expected)
            print(f"{name}, a worker killed: all {number} results, {number / seconds:.1f} images/s", flush=True)
        finally:
            end()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(ENGINES))
