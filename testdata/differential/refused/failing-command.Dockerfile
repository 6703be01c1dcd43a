FROM box
RUN exit 3
