FROM tiny
ENV E=env
ARG A=$E-arg
ENV X=$A
