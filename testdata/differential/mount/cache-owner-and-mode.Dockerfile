FROM box
RUN --mount=type=cache,target=/cache,id=differential-owned,uid=1000,gid=50,mode=0750 stat -c '%u %g %a' /cache > /out
