"""Fills photographs on a Ray cluster: one actor a core, each with one inpainter.

    python fill.py IMAGES MASKS OUT        folders that every node sees, or URIs; a mask is named as its image
    python fill.py --parquet TABLE OUT     Parquet with the columns key, image, mask (files as bytes), from and to

What could not be filled is in the rows, with `error` and `exit_code`; the job goes on.
"""

import argparse

import pyarrow as pa
import ray
from inpaint_edge import Inpainter, batch


# Reading and writing wait for files more than they compute: the actors have the cores.
NO_CORE = {"num_cpus": 0}


class Fill:
    """An actor: it holds the network."""

    def __init__(self, folder):
        self.inpainter = Inpainter(threads=1)
        self.folder = folder

    def __call__(self, table):
        rows = batch.fill(table.to_pylist(), self.inpainter, folder=self.folder)
        return pa.Table.from_pylist(list(rows), schema=pa.schema(batch.columns(pa)))


def fill(records, folder, batch_size=16):
    """Rows of a dataset of records. Ray starts an actor anew where one is lost, and gives it the lost batch again."""
    actors = int(ray.cluster_resources()["CPU"])
    return records.map_batches(
        Fill,
        fn_constructor_args=(folder,),
        batch_format="pyarrow",
        batch_size=batch_size,
        # Not all at once: before a table is read, Ray lists its files, by a task that needs a core.
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
        num_cpus=1,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    ray.init()
    if args.parquet:
        table, out = args.paths
        records = ray.data.read_parquet(table, ray_remote_args=NO_CORE)
        fill(records, None).write_parquet(out, ray_remote_args=NO_CORE)
        return
    images, masks, out = args.paths
    failed = 0
    for row in fill(ray.data.from_items(batch.pairs(images, masks)), out).iter_rows():
        if row["error"]:
            failed += 1
            print(f"{row['key']}: {row['error']}")
    print(f"{failed} not filled")


if __name__ == "__main__":
    main()
