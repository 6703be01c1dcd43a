# buildah 1.28 loses the escapes of a pattern.
FROM box AS names
COPY names /names
RUN cd /names; mv '[x]' x; mv 'back\slash' back
FROM tiny
COPY --from=names /names/x /brackets
COPY --from=names /names/star* /stars/
COPY --from=names /names/back /back
