"""The web app: solve, look and try, in a browser.

`app` puts pages into one shell, `content` is what the user has to show, `serving` puts it on a port. Each page of
`pages` is a package of its own that knows nothing of the others.
"""
