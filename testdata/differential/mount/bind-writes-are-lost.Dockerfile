FROM box
RUN --mount=type=bind,source=dir,target=/work,rw echo x > /work/new; cat /work/a /work/new > /out
RUN --mount=type=bind,source=dir,target=/work test ! -e /work/new && echo gone > /out2
