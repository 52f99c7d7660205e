"""The gallery and staff's pages in one real browser, against the processes of `./dev run`."""
