FROM tiny
ARG A=arg
ENV A=env
ARG A=later
ENV X=$A
RUN ["/bin/sh", "-c", "echo $A > /a"]
