"""What builds the documentation: the pages that are made from the code, and the tutorials, which are run."""
