# escape=`
# escape=\
FROM tiny
