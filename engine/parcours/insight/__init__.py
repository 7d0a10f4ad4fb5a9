"""What can be asked afterwards: result files, counts and reports made from facts."""
