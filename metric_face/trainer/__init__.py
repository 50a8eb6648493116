"""What fit() puts together: batches, losses, the Lightning module, callbacks and the log; nothing public."""
