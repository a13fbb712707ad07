"""The proof that what the lab teaches is true. One folder for each way of looking at it."""
