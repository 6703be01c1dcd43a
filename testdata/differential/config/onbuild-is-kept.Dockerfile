FROM tiny
ONBUILD COPY one /there
ONBUILD RUN echo $HOME
ONBUILD ENV A=$B
onbuild user app
