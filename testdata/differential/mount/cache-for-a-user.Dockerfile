FROM box
USER app
RUN --mount=type=cache,target=/home/app/.cache,id=differential-user,uid=1000,gid=1001 touch /home/app/.cache/x && echo ok > /home/app/out
