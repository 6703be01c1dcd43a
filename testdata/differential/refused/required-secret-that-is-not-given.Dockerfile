FROM box
RUN --mount=type=secret,id=token,required=true true
