"""What stands behind LinearProbe: paths of penalties, their solvers, and the folds that choose."""
