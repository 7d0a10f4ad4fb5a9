"""What becomes of a message that a run asks for: gates, caps, holds, attempts, and what is heard of it."""
