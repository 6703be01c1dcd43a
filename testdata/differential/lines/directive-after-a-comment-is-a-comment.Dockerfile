# hello
# escape=`
FROM tiny
ENV A=a\
b
