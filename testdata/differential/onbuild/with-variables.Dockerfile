FROM box AS parent
ARG A=parent
ENV E=parent
ONBUILD ARG A=child
ONBUILD ENV GOT=$A-$E
FROM parent
ENV LATER=$GOT
