"""What is asked of facts: each analysis is a pure function of rows in order and of what is asked."""
