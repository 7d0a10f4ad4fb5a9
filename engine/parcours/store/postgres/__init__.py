"""The store in PostgreSQL: journal, images and files as rows, fenced by the epoch in the transaction of each write."""
