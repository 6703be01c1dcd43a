# buildah 1.28 knows modifiers with a colon only.
FROM tiny
ENV SET=set EMPTY=
ENV A=set B= C=d E=alt F=alt G= H=set I=set
