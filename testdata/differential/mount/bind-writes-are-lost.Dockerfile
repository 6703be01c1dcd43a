FROM box
RUN --mount=type=bind,source=dir,target=/in,rw echo x > /in/new; cat /in/a /in/new > /out
RUN --mount=type=bind,source=dir,target=/in test ! -e /in/new && echo gone > /out2
