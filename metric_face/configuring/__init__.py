"""What stands behind ``metric_face.config``: the schema, the reading of YAML, and the words of an error."""
