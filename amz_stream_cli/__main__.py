"""`python -m amz_stream_cli`: the commands of Amazon's example app, under the same names and options."""

from amz_stream_cli.commands import main

if __name__ == "__main__":
    main()
