FROM tiny
COPY --chmod=u=rwX,go=rX dir /dir
COPY --chmod=a+x one /x
COPY --chmod=u+s,g-r script.sh /s
