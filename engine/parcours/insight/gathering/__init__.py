"""What facts tell, gathered for a page: reports, pictures of journeys, analyses and experiments."""
