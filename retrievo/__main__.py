"""`python -m retrievo` is the command `retrievo`."""

from retrievo.cli import main

if __name__ == "__main__":
    main()
