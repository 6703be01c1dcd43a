FROM tiny   
ENV A=1  	
ENV B=2 \  
 C=3
CMD echo hi  
