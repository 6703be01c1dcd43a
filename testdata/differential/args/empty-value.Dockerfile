FROM tiny
ARG A=
ARG B=x
ENV X=<$A> Y=${A:-default} Z=<$B>
