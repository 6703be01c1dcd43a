FROM box
USER app
RUN --mount=type=secret,id=token,uid=1000,gid=50,mode=0440,dst=/tmp/token stat -c '%a %u %g' /tmp/token > /home/app/out
