FROM box
RUN --mount=type=secret,id=token cat /run/secrets/token > /out
RUN --mount=type=secret,id=token,target=/etc/token cat /etc/token > /out2; stat -c '%a %u' /etc/token >> /out2
