FROM box
RUN --mount=type=secret,id=token,env=TOKEN echo "$TOKEN" > /out
