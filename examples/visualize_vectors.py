"""Draw a map of vectors from any model, colored by a label; UMAP never sees the label.

python examples/visualize_vectors.py vectors.npy labels.csv map.png [--column NAME]

vectors.npy holds (N, D) floats, labels.csv N rows with a header.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from metric_face import NeighborGraph, project
from metric_face.visualization import measure_faithfulness

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("vectors")
parser.add_argument("labels")
parser.add_argument("picture")
parser.add_argument("--column", help="of labels.csv; default the first")
options = parser.parse_args()

vectors = np.load(options.vectors).astype(np.float32)
table = pd.read_csv(options.labels)
column = options.column or table.columns[0]
codes, names = pd.factorize(table[column], sort=True)

graph = NeighborGraph.build(vectors, k=min(30, len(vectors) - 1))
coords = project(graph, vectors=vectors, seed=0).coords
measured = measure_faithfulness(coords, graph.ids, codes.astype(np.int64), vectors)

figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
for code, name in enumerate(names):
    own = coords[codes == code]
    axes.scatter(own[:, 0], own[:, 1], s=8, label=f"{name} ({len(own)})", rasterized=True)
axes.set(xticks=[], yticks=[], title=f"{len(vectors)} vectors by {column}; axes and sizes mean nothing")
axes.legend(title=column, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
figure.savefig(options.picture, dpi=150)

here, there = np.nanmean(measured.purity_D), np.nanmean(measured.purity_2)
print(f"{options.picture}: purity of neighbors {here:.2f} in the embedding, {there:.2f} on the map")
