# Fits a line to R's own data set, and writes what projects in R write: a CSV, an RDS, a printed summary.
offset <- if (file.exists("local/offset.txt")) scan("local/offset.txt", quiet = TRUE) else 0
set.seed(11)
rows <- sample(nrow(mtcars), 24)
held_out <- mtcars[-rows, ]
model <- lm(mpg ~ wt + hp, data = mtcars[rows, ])
error <- predict(model, held_out) + offset - held_out$mpg
rmse <- sqrt(mean(error^2))
cat(sprintf("rmse: %.10f\n", rmse))
write.csv(data.frame(rmse = rmse, slope = coef(model)[["wt"]]), "metrics.csv", row.names = FALSE)
saveRDS(model, "model.rds")
