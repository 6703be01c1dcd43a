# escape=`
FROM tiny
ENV A=1`
2
