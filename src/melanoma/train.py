"""`melanoma-train` as a module: `torchrun --nproc-per-node=4 -m melanoma.train data=...`."""

from melanoma.cli import train

if __name__ == "__main__":
    train()
