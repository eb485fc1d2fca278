"""Fills photographs on a Spark cluster by mapInArrow: one inpainter a Python worker, one worker a core.

    spark-submit fill.py IMAGES MASKS OUT        folders that every node sees, or URIs; a mask is named as its image
    spark-submit fill.py --parquet TABLE OUT     Parquet with the columns key, image, mask (files as bytes), from and to

What could not be filled is in the rows, with `error` and `exit_code`; the job goes on.
"""

import argparse

import pyarrow as pa
from inpaint_edge import Inpainter, batch
from pyspark.sql import SparkSession

COLUMNS = "key string, result binary, hole_pixels long, error string, exit_code int"


def filler(folder):
    """The function of a task: Arrow batches of records in, Arrow batches of rows out."""

    def fill_batches(batches):
        inpainter = Inpainter(threads=1)
        for records in batches:
            rows = batch.fill(records.to_pylist(), inpainter, folder=folder)
            yield pa.RecordBatch.from_pylist(list(rows), schema=pa.schema(batch.columns(pa)))

    return fill_batches


def fill(records, folder):
    """Rows of a DataFrame of records. Spark runs a lost task again, up to `spark.task.maxFailures` times."""
    return records.mapInArrow(filler(folder), COLUMNS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("inpaint-edge").getOrCreate()
    # Pixels are large: few records a batch.
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 16)
    if args.parquet:
        table, out = args.paths
        fill(spark.read.parquet(table), None).write.parquet(out)
        return
    images, masks, out = args.paths
    pairs = batch.pairs(images, masks)
    # Small tasks, so that little is done again where one is lost.
    records = spark.createDataFrame(pairs, "key string, image string, mask string").repartition(1 + len(pairs) // 64)
    failed = [row for row in fill(records, out).select("key", "error").collect() if row.error]
    for row in failed:
        print(f"{row.key}: {row.error}")
    print(f"{len(failed)} not filled")


if __name__ == "__main__":
    main()
