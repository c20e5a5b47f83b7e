// An addon whose initialisation fails.
throw new Error('the addon says no');
