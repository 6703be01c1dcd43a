FROM full AS one
LABEL one=1
ENV ONE=$FULL
FROM one
CMD ["x"]
