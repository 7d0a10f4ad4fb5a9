"""How a project folder becomes checked documents: files to data, data to models, every fault a finding."""
