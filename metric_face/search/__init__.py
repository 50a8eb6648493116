"""What stands behind EmbeddingIndex and NeighbourGraph: FAISS in its kinds, tuned, filed and merged; nothing public."""
