"""Evidence letters: what the register says of somebody on a day, with its proof, for police, courts, procuratorates."""
