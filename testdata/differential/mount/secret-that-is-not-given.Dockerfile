FROM box
RUN --mount=type=secret,id=token test ! -e /run/secrets/token && echo none > /out
